package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"onsale/cmd/onsale/e2e/harness"
)

const deploy = "../../../config/deploy"

// notScraped are names in the rules that a healthy node does not show.
var notScraped = map[string]string{
	"up":                 "made by Prometheus",
	"onsale_halted_info": "on a halted node only",
	"onsale_tls_certificate_end_timestamp_seconds": "on a node with TLS only",
}

// Every metric that the dashboard and the alert rules name is one of a real node, and OPERATING.md has every rule's page.
func TestDashboards_NameMetrics(t *testing.T) {
	t.Parallel()
	ctx, client := harness.TimeoutContext(t, time.Minute), harness.NewHTTPClient(t, 0)
	at := harness.NewNode(t, "--demo", "--streams-drain-window", "0s")
	at.StartDemo()
	at.IssueCoupons(ctx, client, "u1")
	at.MustDo(ctx, client, "GET", "/nowhere", "") // a refusal
	scrape := at.MustDo(ctx, client, "GET", "/metrics", "").Body
	if promtool, err := exec.LookPath("promtool"); err == nil {
		command := exec.CommandContext(ctx, promtool, "check", "metrics")
		command.Stdin = strings.NewReader(scrape)
		if output, err := command.CombinedOutput(); err != nil {
			t.Errorf("promtool check metrics: %v\n%s", err, output)
		}
	}
	for _, file := range []string{"grafana/onsale.json", "prometheus/rules.yml"} {
		text, err := os.ReadFile(filepath.Join(deploy, file))
		if err != nil {
			t.Fatal(err)
		}
		names := regexp.MustCompile(`\b(?:up|(?:onsale|process|go)_[a-z0-9_]+)\b[{ \[)]`).FindAllString(string(text), -1)
		if len(names) < 15 {
			t.Errorf("%s names %d metrics", file, len(names))
		}
		for _, name := range names {
			if name = strings.TrimRight(name, "{ [)"); notScraped[name] == "" && !regexp.MustCompile(`(?m)^`+name+`[{ ]`).MatchString(scrape) {
				t.Errorf("%s names %s, which a node does not have", file, name)
			}
		}
	}
	rules, _ := os.ReadFile(filepath.Join(deploy, "prometheus/rules.yml"))
	manual, err := os.ReadFile("../../../config/OPERATING.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range regexp.MustCompile(`OPERATING\.md#([a-z-]+)`).FindAllStringSubmatch(string(rules), -1) {
		if title := regexp.MustCompile(`(?mi)^## ` + strings.ReplaceAll(link[1], "-", " ") + `$`); !title.Match(manual) {
			t.Errorf("OPERATING.md has no section %s", link[1])
		}
	}
}

// The dashboard can be imported: its ids are unique, and each panel has the data source and the selector of all others.
func TestDashboard_IsConsistent(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(deploy, "grafana/onsale.json"))
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			ID          int
			Type, Title string
			Datasource  struct{ UID string }
			Targets     []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	var ids []int
	for _, panel := range dashboard.Panels {
		if slices.Contains(ids, panel.ID) {
			t.Errorf("two panels have id %d", panel.ID)
		}
		ids = append(ids, panel.ID)
		if panel.Type != "row" && (panel.Datasource.UID != "${datasource}" || len(panel.Targets) == 0) {
			t.Errorf("%s has data source %q and %d targets", panel.Title, panel.Datasource.UID, len(panel.Targets))
		}
		for _, target := range panel.Targets {
			for _, selector := range regexp.MustCompile(`\{[^}]*\}`).FindAllString(target.Expr, -1) {
				if !strings.HasPrefix(selector, `{job="$job",instance=~"$instance"`) {
					t.Errorf("%s selects %s", panel.Title, selector)
				}
			}
		}
	}
	if len(ids) < 20 {
		t.Errorf("the dashboard has %d panels", len(ids))
	}
}
