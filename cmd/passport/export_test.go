package main

// Options returns the options of the binary.
var Options = options
