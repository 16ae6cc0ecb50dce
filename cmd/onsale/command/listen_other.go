//go:build !linux

package command

func listener(string) (pid int, name string) { return 0, "" }
