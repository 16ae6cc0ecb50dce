package http

import (
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"onsale/domain"
)

// The page of each code is there, in both languages and as JSON.
func TestProblems_AreExplained(t *testing.T) {
	f := newFixture(t)
	get := func(path, accept, language string) (*http.Response, string) {
		r := must(http.NewRequest("GET", f.url+path, nil))(t)
		r.Header.Set("Accept", accept)
		r.Header.Set("Accept-Language", language)
		response := must(http.DefaultClient.Do(r))(t)
		defer response.Body.Close()
		body := must(io.ReadAll(response.Body))(t)
		checkContract(t, r, "", response, body)
		return response, string(body)
	}
	for code, row := range codes {
		texts, ok := explanations[code]
		if !ok {
			t.Errorf("%s is not explained", code)
			continue
		}
		for language, header := range map[int]string{inEnglish: "en-US,en;q=0.9", inKorean: "ko-KR,ko;q=0.9,en;q=0.8"} {
			text := texts[language]
			if text.meaning == "" || text.action == "" || strings.ContainsFunc(text.meaning+text.action, isHangul) != (language == inKorean) {
				t.Errorf("%s: %q", code, text)
			}
			response, _ := get("/problems/"+code, "text/html,*/*;q=0.8", header)
			if response.StatusCode != 200 || response.Header.Get("Content-Language") != header[:2] {
				t.Errorf("%s: %d %v", code, response.StatusCode, response.Header)
			}
			_, body := get("/problems/"+code, "application/json", header)
			var view problemView
			if err := json.Unmarshal([]byte(body), &view); err != nil || view.Code != code || view.Status != row.status || view.Meaning != text.meaning {
				t.Errorf("%s: %s %v", code, body, err)
			}
		}
	}
	for code := range explanations {
		if _, ok := codes[code]; !ok {
			t.Errorf("%s is explained and is no code", code)
		}
	}
	if response, body := get("/problems/"+domain.SoldOut+"?lang=ko", "*/*", "en"); !strings.Contains(body, `<html lang="ko">`) || response.Header.Get("Vary") == "" {
		t.Error(body)
	}
	for _, path := range []string{"/problems/nothing", "/problems/%3Cscript%3E"} {
		if response, _ := get(path, "*/*", ""); response.StatusCode != 404 {
			t.Errorf("%s: %d", path, response.StatusCode)
		}
	}
}

func isHangul(c rune) bool { return c >= '가' && c <= '힣' }

func TestDocs_ShowsEveryOperation(t *testing.T) {
	f := newFixture(t)
	response := must(http.Get(f.url + "/docs"))(t)
	defer response.Body.Close()
	page := string(must(io.ReadAll(response.Body))(t))
	for _, want := range []string{"issueCoupon", "watchMe", "/problems/sold_out", "openapi.json", "hold-complete"} {
		if !strings.Contains(page, want) {
			t.Errorf("no %s", want)
		}
	}
	if issue, use := strings.Index(page, `id="issueCoupon"`), strings.Index(page, `id="useCoupon"`); issue < 0 || use < issue {
		t.Errorf("a coupon is issued at %d and used at %d of the page", issue, use)
	}
	if strings.Contains(page, "://") || strings.Contains(page, "<script") {
		t.Error("the page needs something else than this service")
	}
	for _, link := range regexp.MustCompile(`href="#([^"]+)"`).FindAllStringSubmatch(page, -1) {
		if !strings.Contains(page, `id="`+link[1]+`"`) {
			t.Errorf("a link to %s, which is nowhere", link[1])
		}
	}
}
