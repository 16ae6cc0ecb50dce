// Command onsale runs a node that sells what is first come, first served, and the tools that read its logs.
package main

import (
	"os"

	"onsale/cmd/onsale/command"
)

func main() {
	os.Exit(command.Run(command.SignalContext(), os.Args[1:], os.Stdout, os.Stderr, os.Environ()))
}
