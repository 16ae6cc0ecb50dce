//go:build !unix

package bench

import "time"

func ownCPU() time.Duration  { return 0 }
func maxDescriptors() uint64 { return 0 }
