package hasty

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// credentials fetch tokens: when one is first needed, and again when a fifth of its life is left.
type credentials struct {
	send  *transport
	basic string

	mu    sync.Mutex
	token string
	asked time.Time
	life  time.Duration
}

func newCredentials(send *transport, clientID, clientSecret string) *credentials {
	// Encoded as RFC 6749 requires; ids and secrets made by the server stay unchanged.
	pair := url.QueryEscape(clientID) + ":" + url.QueryEscape(clientSecret)
	return &credentials{send: send, basic: "Basic " + base64.StdEncoding.EncodeToString([]byte(pair))}
}

func (c *credentials) get(ctx context.Context) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.token != "" && time.Since(c.asked) < c.life*4/5 {
		return c.token, nil
	}
	asked := time.Now()
	headers := map[string]string{"Authorization": c.basic, "Content-Type": "application/x-www-form-urlencoded"}
	var answer struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int    `json:"expires_in"`
	}
	err := c.send.untilAnswered(ctx, func() error {
		form := []byte("grant_type=client_credentials")
		return c.send.exchange(ctx, http.MethodPost, "/token", form, headers, c.send.tryTimeout, &answer)
	})
	if err != nil {
		// A token that is still valid is used in the meantime.
		if c.token != "" && time.Since(c.asked) < c.life {
			return c.token, nil
		}
		return "", err
	}
	c.token, c.asked, c.life = answer.AccessToken, asked, time.Duration(answer.ExpiresIn)*time.Second
	return c.token, nil
}
