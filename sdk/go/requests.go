package hasty

import (
	"context"
	"encoding/json"
	"iter"
	"net/url"
	"strings"
	"time"
)

// CreateRequest starts a request of several steps.
func (c *Client) CreateRequest(ctx context.Context, request NewRequest) (*Request, error) {
	created := new(Request)
	return created, c.post(ctx, "/v1/requests", request, request.IdempotencyKey, created)
}

// GetRequest returns the request as it is.
func (c *Client) GetRequest(ctx context.Context, requestID string) (*Request, error) {
	request := new(Request)
	return request, c.get(ctx, pathOf("v1", "requests", requestID), request)
}

// WaitRequest returns the request once it has ended, however it ended. It waits as long as the context lives.
func (c *Client) WaitRequest(ctx context.Context, requestID string) (*Request, error) {
	for delay := 50 * time.Millisecond; ; delay = min(delay*2, time.Second) {
		request, err := c.GetRequest(ctx, requestID)
		if err != nil || request.FinishedAt != nil {
			return request, err
		}
		if err := pause(ctx, delay); err != nil {
			return request, err
		}
	}
}

// CancelRequest cancels a request. One that was cancelled before is returned as it is.
func (c *Client) CancelRequest(ctx context.Context, requestID, reason string) (*Request, error) {
	request := new(Request)
	err := c.post(ctx, pathOf("v1", "requests", requestID, "cancel"), reasonBody(reason), "", request)
	if codeOf(err) != "wrong-state" {
		return request, err
	}
	var problem struct{ Request Request }
	_ = json.Unmarshal(problemOf(err), &problem)
	if problem.Request.Status == "cancelled" {
		return c.GetRequest(ctx, requestID)
	}
	return nil, err
}

// RetryRequest continues a failed or cancelled request.
func (c *Client) RetryRequest(ctx context.Context, requestID string) (*Request, error) {
	request := new(Request)
	return request, c.post(ctx, pathOf("v1", "requests", requestID, "retry"), nil, "", request)
}

// SignalRequest sends a signal that a step waits for, with extras that are merged into the request's.
func (c *Client) SignalRequest(ctx context.Context, requestID, name string, extras map[string]any) (*Request, error) {
	body := map[string]any{}
	if extras != nil {
		body["extras"] = extras
	}
	request := new(Request)
	return request, c.post(ctx, pathOf("v1", "requests", requestID, "signals", name), body, "", request)
}

// ListRequests yields all requests with one of the statuses, or all, newest first.
func (c *Client) ListRequests(ctx context.Context, status ...string) iter.Seq2[Request, error] {
	return eachItem[Request](ctx, c, "/v1/requests", url.Values{"status": {strings.Join(status, ",")}})
}
