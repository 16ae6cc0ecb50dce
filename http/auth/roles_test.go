package auth

import (
	"encoding/json"
	"testing"
)

// Nodes send each other identities as JSON, and not all are of the same version.
func TestIdentity_IsJSONWithNamesOfRoles(t *testing.T) {
	who := Identity{User: "kim", Roles: Viewer | Admin}
	const want = `{"User":"kim","Roles":"admin, viewer","Expires":"0001-01-01T00:00:00Z"}`
	text, err := json.Marshal(who)
	if err != nil || string(text) != want {
		t.Errorf("got %s and %v, want %s", text, err, want)
	}
	var again Identity
	if err := json.Unmarshal(text, &again); err != nil || again != who {
		t.Errorf("got %+v and %v, want %+v", again, err, who)
	}
	var newer Identity
	if err := json.Unmarshal([]byte(`{"User":"kim","Roles":"auditor, refunder","More":1}`), &newer); err != nil || newer.Roles != Auditor {
		t.Errorf("got %+v and %v from a newer node, want an auditor", newer, err)
	}
}
