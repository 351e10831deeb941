package hasty

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// sent is a call as it arrived.
type sent struct {
	Method string
	Path   string
	Header http.Header
	Text   string
	Body   map[string]any
}

// reply is what the fake server answers; a status of 0 cuts the connection.
type reply struct {
	status int
	body   any
	header map[string]string
}

func problem(status int, code string) reply {
	return reply{status: status, body: map[string]any{
		"status": status, "code": code, "detail": "a " + code + " of the test", "request_id": "r-1",
	}}
}

// fake is a small Hasty: real HTTP, and answers that the test chooses. By default it hands out jobs, and takes every
// end and extension.
type fake struct {
	*httptest.Server
	t           *testing.T
	connections atomic.Int32

	mu       sync.Mutex
	calls    []sent
	jobs     []map[string]any
	given    map[string][]map[string]any
	next     map[string][]func(sent) reply
	extended map[string]map[string]any
	refuse   func(sent) *reply
}

func startFake(t *testing.T) *fake {
	f := &fake{t: t, given: map[string][]map[string]any{}, next: map[string][]func(sent) reply{},
		extended: map[string]map[string]any{}}
	f.Server = httptest.NewUnstartedServer(http.HandlerFunc(f.serve))
	f.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			f.connections.Add(1)
		}
	}
	f.Start()
	t.Cleanup(func() { f.CloseClientConnections(); f.Close() })
	return f
}

func (f *fake) client(options ...Option) *Client {
	client, err := New(f.URL, options...)
	if err != nil {
		f.t.Fatal(err)
	}
	return client
}

func (f *fake) serve(writer http.ResponseWriter, request *http.Request) {
	text, _ := io.ReadAll(request.Body)
	call := sent{request.Method, request.URL.RequestURI(), request.Header, string(text), nil}
	_ = json.Unmarshal(text, &call.Body)
	answer := f.answer(call, request)
	if answer.status == 0 {
		panic(http.ErrAbortHandler)
	}
	writer.Header().Set("Content-Type", "application/json")
	for name, value := range answer.header {
		writer.Header().Set(name, value)
	}
	writer.WriteHeader(answer.status)
	if raw, ok := answer.body.(string); ok {
		_, _ = io.WriteString(writer, raw)
	} else if answer.status != http.StatusNoContent {
		_ = json.NewEncoder(writer).Encode(answer.body)
	}
}

func (f *fake) answer(call sent, request *http.Request) reply {
	f.mu.Lock()
	f.calls = append(f.calls, call)
	for path, replies := range f.next {
		if strings.HasPrefix(call.Path, path) && len(replies) > 0 {
			f.next[path] = replies[1:]
			f.mu.Unlock()
			return replies[0](call)
		}
	}
	refuse := f.refuse
	f.mu.Unlock()
	if refuse != nil {
		if answer := refuse(call); answer != nil {
			return *answer
		}
	}
	switch {
	case call.Path == "/v1/work":
		return f.claim(call, request)
	case call.Path == "/v1/work/extend":
		leases := []any{}
		for _, member := range call.Body["leases"].([]any) {
			leases = append(leases, f.extend(member.(map[string]any)["lease"].(string), call.Body["lease_s"].(float64)))
		}
		return reply{status: 200, body: map[string]any{"leases": leases}}
	}
	verb := call.Path[strings.LastIndex(call.Path, "/")+1:]
	return reply{status: 200, body: settledAs(call.Body["lease"], verb)}
}

// claim is the claim as the server does it: the same claim_id gets the same jobs.
func (f *fake) claim(call sent, request *http.Request) reply {
	outcomes := []any{}
	for _, one := range call.Body["settle"].([]any) {
		for _, verb := range []string{"complete", "fail", "release"} {
			if member := one.(map[string]any); member[verb] != nil {
				outcomes = append(outcomes, settledAs(member["lease"], verb))
			}
		}
	}
	id, _ := call.Body["claim_id"].(string)
	most := int(call.Body["max"].(float64))
	end := time.Now().Add(time.Duration(call.Body["wait_s"].(float64) * float64(time.Second)))
	for {
		f.mu.Lock()
		jobs, isKnown := f.given[id]
		isGone := request != nil && request.Context().Err() != nil
		if isKnown || len(f.jobs) > 0 || most == 0 || isGone || time.Now().After(end) {
			if !isKnown {
				jobs = []map[string]any{}
				if !isGone {
					n := min(most, len(f.jobs))
					jobs, f.jobs = f.jobs[:n:n], f.jobs[n:]
				}
				if id != "" {
					f.given[id] = jobs
				}
			}
			f.mu.Unlock()
			return reply{status: 200, body: map[string]any{"settled": outcomes, "jobs": jobs, "draining": false}}
		}
		f.mu.Unlock()
		time.Sleep(10 * time.Millisecond)
	}
}

func (f *fake) extend(lease string, seconds float64) map[string]any {
	f.mu.Lock()
	defer f.mu.Unlock()
	if answer := f.extended[lease]; answer != nil {
		return answer
	}
	return map[string]any{"lease": lease, "status": "ok", "lease_until": at(seconds)}
}

func settledAs(lease any, verb string) map[string]any {
	status := map[string]string{"complete": "finished", "fail": "retrying", "release": "released"}[verb]
	return map[string]any{"lease": lease, "job_id": nil, "status": status}
}

func (f *fake) add(jobs ...map[string]any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.jobs = append(f.jobs, jobs...)
}

func (f *fake) queue(path string, replies ...func(sent) reply) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.next[path] = append(f.next[path], replies...)
}

func always(answer reply) func(sent) reply { return func(sent) reply { return answer } }

func (f *fake) callsTo(path string) []sent {
	f.mu.Lock()
	defer f.mu.Unlock()
	found := []sent{}
	for _, call := range f.calls {
		if call.Path == path {
			found = append(found, call)
		}
	}
	return found
}

// ends are the ends of jobs, such as "complete job-1", in the order of their arrival.
func (f *fake) ends() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	found := []string{}
	for _, call := range f.calls {
		settle, _ := call.Body["settle"].([]any)
		for _, one := range settle {
			for _, verb := range []string{"complete", "fail", "release"} {
				if member := one.(map[string]any); member[verb] != nil {
					found = append(found, fmt.Sprint(verb, " ", member["lease"]))
				}
			}
		}
		verb := call.Path[strings.LastIndex(call.Path, "/")+1:]
		if verb == "complete" || verb == "fail" || verb == "release" {
			found = append(found, fmt.Sprint(verb, " ", call.Body["lease"]))
		}
	}
	return found
}

// endOf is the body of the last end of a kind that was sent for a lease.
func (f *fake) endOf(lease, verb string) map[string]any {
	f.mu.Lock()
	defer f.mu.Unlock()
	for n := len(f.calls) - 1; n >= 0; n-- {
		call := f.calls[n]
		settle, _ := call.Body["settle"].([]any)
		for _, one := range settle {
			if member := one.(map[string]any); member["lease"] == lease && member[verb] != nil {
				return member[verb].(map[string]any)
			}
		}
		if strings.HasSuffix(call.Path, "/"+verb) && call.Body["lease"] == lease {
			return call.Body
		}
	}
	return nil
}

func (f *fake) until(isTrue func() bool) {
	f.t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if isTrue() {
			return
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, call := range f.calls {
		f.t.Log(call.Path, call.Text)
	}
	f.t.Fatal("it did not happen")
}

func at(seconds float64) string {
	then := time.Now().Add(time.Duration(seconds * float64(time.Second)))
	return then.UTC().Format("2006-01-02T15:04:05.000Z07:00")
}

func lent(n int, members ...any) map[string]any {
	job := map[string]any{
		"job_id": fmt.Sprint("job-", n), "type": "test", "object_id": fmt.Sprint("object-", n),
		"payload": map[string]any{"n": n}, "created_at": at(0), "attempt": 1, "max_attempts": 3,
		"timeout_ms": 60_000, "deadline_at": at(60), "fencing_token": 100 + n,
		"lease": fmt.Sprint("lease-", n), "lease_until": at(10),
	}
	for i := 0; i+1 < len(members); i += 2 {
		job[members[i].(string)] = members[i+1]
	}
	return job
}
