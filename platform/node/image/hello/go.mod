module slipway.dev/hello

go 1.24
