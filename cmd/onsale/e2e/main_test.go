package e2e

import (
	"testing"

	"onsale/cmd/onsale/e2e/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

func TestScripts(t *testing.T) { harness.RunScripts(t) }
