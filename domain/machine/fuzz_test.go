package machine_test

import "testing"

// FuzzMachine lets the fuzzer draw the lots: whatever comes in line, the rules neither break nor break a law.
func FuzzMachine(f *testing.F) {
	f.Add([]byte("a day at the box office, by chance"))
	f.Add([]byte{3, 5, 2, 0, 0, 2, 0, 4, 6, 0, 0, 1, 1, 0, 1, 1, 0, 0, 40, 0, 0, 1, 1, 1, 70, 0, 2, 0, 1})
	f.Fuzz(func(t *testing.T, input []byte) {
		intN := func(bound int) int {
			n := 0
			for limit := 1; limit < bound && len(input) > 0; limit <<= 8 {
				n, input = n<<8|int(input[0]), input[1:]
			}
			return n % bound
		}
		runInvalid(t, intN, func() bool { return len(input) > 0 })
	})
}

// TestMachine_SurvivesInvalidCommands is FuzzMachine for every day: figures that no honest writer sends, and no rule may trip over.
func TestMachine_SurvivesInvalidCommands(t *testing.T) {
	rng := newRand(t)
	for range 20 {
		runInvalid(t, rng.IntN, func() bool { return true })
	}
}

func runInvalid(t *testing.T, intN func(n int) int, hasMore func() bool) {
	d := newModelCheck(t, intN)
	d.generator.invalid, d.generator.falseAnswers = true, true
	d.nextMessage(d.generator.nextTime())
	for commands := 0; hasMore() && commands < 300; commands++ {
		if intN(3) > 0 {
			d.nextMessage(d.generator.nextTime())
		}
		d.checkReplica = commands%32 == 0
		d.step()
	}
	d.checkReplay()
}
