/** What the browser remembers. Storage may be full, forbidden or edited by hand: reading and writing never throw. */

const PREFIX = "slipway.";

function read(storage: () => Storage, key: string): string | null {
  try {
    return storage().getItem(PREFIX + key);
  } catch {
    return null;
  }
}

function write(storage: () => Storage, key: string, value: string): void {
  try {
    storage().setItem(PREFIX + key, value);
  } catch {
    // Not remembered, then; nothing depends on it.
  }
}

/** For as long as the browser keeps it. */
export const remembered = {
  text: (key: string): string | null => read(() => localStorage, key),
  number: (key: string): number | null => {
    const value = Number.parseFloat(read(() => localStorage, key) ?? "");
    return Number.isFinite(value) ? value : null;
  },
  keep: (key: string, value: string | number): void => write(() => localStorage, key, String(value)),
};

/** For this tab of the browser; a reload keeps it. */
export const session = {
  text: (key: string): string | null => read(() => sessionStorage, key),
  keep: (key: string, value: string): void => write(() => sessionStorage, key, value),
};
