package disconnect

import (
	"testing"

	"onsale/cmd/onsale/e2e/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }
