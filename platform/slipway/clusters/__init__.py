"""The picture of a sandbox: what its nodes' engines hold, as one snapshot that pages draw."""
