package main

// Options are those of the binary.
var Options = options
