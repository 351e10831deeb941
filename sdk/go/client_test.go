package hasty

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

func view(status string, members ...any) reply {
	body := map[string]any{"job_id": "j-1", "status": status, "reason": nil, "error": nil, "result": nil}
	for i := 0; i+1 < len(members); i += 2 {
		body[members[i].(string)] = members[i+1]
	}
	return reply{status: 200, body: body}
}

func TestAPostIsRepeatedWithOneKeyUntilItIsAnswered(t *testing.T) {
	f := startFake(t)
	f.queue("/v1/jobs", always(reply{}), always(problem(503, "unavailable")), always(view("processing")),
		always(view("finished", "result", 6)))
	var sum int
	job := NewJob{Type: "add", Payload: map[string]any{"numbers": []int{1, 2, 3}}}
	if err := f.client(WithToken("t-1")).Run(context.Background(), job, &sum); err != nil || sum != 6 {
		t.Fatal(sum, err)
	}
	keys := []string{}
	for _, call := range f.calls {
		if call.Method == "POST" {
			keys = append(keys, call.Header.Get("Idempotency-Key"))
		}
	}
	if len(keys) != 3 || len(slices.Compact(keys)) != 1 || !strings.HasPrefix(keys[0], "once-") {
		t.Error(keys)
	}
	if token := f.calls[0].Header.Get("Authorization"); token != "Bearer t-1" {
		t.Error(token)
	}
	if prefer := f.calls[3].Header.Get("Prefer"); prefer != "wait=30" {
		t.Error(prefer)
	}
}

func TestARefusalIsAnErrorWithItsMembers(t *testing.T) {
	f := startFake(t)
	f.queue("/v1/jobs", always(problem(400, "unknown-type")))
	_, err := f.client().Create(context.Background(), NewJob{Type: "nope"})
	var refused *Error
	if !errors.As(err, &refused) || refused.Status != 400 || refused.Code != "unknown-type" || refused.RequestID != "r-1" {
		t.Error(err)
	}
	if len(f.calls) != 1 {
		t.Error(len(f.calls))
	}
}

func TestRunReturnsWhatBecameOfTheJob(t *testing.T) {
	f := startFake(t)
	f.queue("/v1/jobs", always(view("processing")), always(view("failed", "error", map[string]any{"message": "no luck"})))
	err := f.client().Run(context.Background(), NewJob{Type: "add"}, nil)
	var failed *JobError
	if !errors.As(err, &failed) || !strings.Contains(err.Error(), "no luck") {
		t.Error(err)
	}
}

func TestAWaitEndsWithItsContext(t *testing.T) {
	f := startFake(t)
	f.refuse = func(sent) *reply { answer := view("processing"); return &answer }
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	if _, err := f.client().Wait(ctx, "j-1"); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

func TestACancelOfACancelledJobIsNoError(t *testing.T) {
	f := startFake(t)
	refusal := problem(409, "wrong-state")
	refusal.body.(map[string]any)["job"] = map[string]any{"status": "cancelled", "reason": "requested"}
	f.queue("/v1/jobs", always(refusal), always(view("cancelled")))
	if job, err := f.client().Cancel(context.Background(), "j-1", ""); err != nil || job.Status != "cancelled" {
		t.Error(job, err)
	}
}

func TestAListHasTheItemsOfAllPages(t *testing.T) {
	f := startFake(t)
	page := func(id string, next any) func(sent) reply {
		items := []any{map[string]any{"job_id": id}}
		return always(reply{status: 200, body: map[string]any{"items": items, "next_cursor": next}})
	}
	f.queue("/v1/jobs", page("a", "c 1"), page("b", nil))
	found := []string{}
	filter := ListOptions{Status: []string{"failed", "timeout"}, Type: "add"}
	for job, err := range f.client().List(context.Background(), filter) {
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, job.JobID)
	}
	path := "/v1/jobs?cursor=c+1&status=failed%2Ctimeout&type=add"
	if !slices.Equal(found, []string{"a", "b"}) || f.calls[1].Path != path {
		t.Error(found, f.calls[1].Path)
	}
}

func TestEventsGoOnAfterTheLastOneThatWasSeen(t *testing.T) {
	f := startFake(t)
	stream := func(text string) func(sent) reply {
		return always(reply{status: 200, body: text, header: map[string]string{"Content-Type": "text/event-stream"}})
	}
	f.queue("/v1/jobs",
		stream("id: 4\nevent: job:created\ndata: {\"job_id\": \"j\"}\n\nid: 5\n\n"),
		stream("id: 5\nevent: job:created\ndata: {}\n\n: alive\n\nid: 9\nevent: job:finished\ndata: {\"result\": 1}\r\n\r\n"),
		always(reply{status: 204}))
	found := []string{}
	for event, err := range f.client().Events(context.Background(), "j-1", 0) {
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, event.Event)
	}
	sentIDs := []string{}
	for _, call := range f.calls {
		sentIDs = append(sentIDs, call.Header.Get("Last-Event-ID"))
	}
	if !slices.Equal(found, []string{"job:created", "job:finished"}) || !slices.Equal(sentIDs, []string{"", "5", "9"}) {
		t.Error(found, sentIDs)
	}
}

func TestAClientWithCredentialsFetchesOneToken(t *testing.T) {
	f := startFake(t)
	f.queue("/token", always(reply{status: 200, body: map[string]any{"access_token": "fresh", "expires_in": 600}}))
	empty := always(reply{status: 200, body: map[string]any{}})
	f.queue("/v1/stats", empty, empty)
	client := f.client(WithClientCredentials("billing", "s"))
	for range 2 {
		if _, err := client.Stats(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	if len(f.calls) != 3 || f.calls[0].Text != "grant_type=client_credentials" {
		t.Error(f.calls)
	}
	if token := f.calls[2].Header.Get("Authorization"); token != "Bearer fresh" {
		t.Error(token)
	}
}
