package http

import "testing"

func TestContract_Fits(t *testing.T) {
	f := newFixture(t)
	c, err := f.contract()
	if err != nil {
		t.Fatal(err)
	}
	t.Log(len(c.document.content), len(c.docs.content))
}
