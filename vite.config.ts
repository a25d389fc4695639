import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const source = (name: string): string => fileURLToPath(new URL(`static/src/${name}`, import.meta.url));

// Templates name main.js, main.css, lab.js, lab.css and theme.js; whatever those load carries a hash in its name and is kept by
// browsers for ever.
export default defineConfig({
  base: "/static/",
  publicDir: source("public"),
  build: {
    outDir: "static/dist",
    emptyOutDir: true,
    manifest: "manifest.json",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    target: "es2022",
    // The terminal is one library that only the lab page loads; splitting it would save nothing.
    chunkSizeWarningLimit: 1000,
    rolldownOptions: {
      // theme.js is a plain script that must run before the first paint: it imports nothing.
      input: { main: source("main.ts"), lab: source("lab.ts"), theme: source("theme.ts") },
      output: {
        entryFileNames: "[name].js",
        chunkFileNames: "assets/[name]-[hash:8].js",
        assetFileNames: (asset) =>
          asset.names.some((name) => name === "main.css" || name === "lab.css")
            ? "[name][extname]"
            : "assets/[name]-[hash:8][extname]",
      },
    },
  },
  test: {
    include: ["static/src/**/*.test.ts"],
    environment: "node",
  },
});
