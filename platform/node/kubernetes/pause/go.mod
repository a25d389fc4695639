module slipway.dev/pause

go 1.25.0
