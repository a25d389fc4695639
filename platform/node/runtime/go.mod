module slipway.dev/runtime

go 1.24
