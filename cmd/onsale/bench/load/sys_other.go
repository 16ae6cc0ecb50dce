//go:build !unix

package load

import "time"

func sleepThread(d time.Duration)       { time.Sleep(d) }
func setReceiveBuffer(_ uintptr, _ int) {}
