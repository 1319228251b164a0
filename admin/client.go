package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// Ask gets the status of the bridge that listens on this machine at an address of http.listen's form.
func Ask(ctx context.Context, listen string) (*Status, error) {
	response, err := request(ctx, http.MethodGet, listen, "/status")
	if err != nil {
		return nil, err
	}
	defer response.Body.Close() //nolint:errcheck // it was only read
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("GET %s: %s", response.Request.URL, response.Status)
	}
	status := new(Status)
	if err := json.NewDecoder(response.Body).Decode(status); err != nil {
		return nil, fmt.Errorf("GET %s: the answer isn't a bridge's: %w", response.Request.URL, err)
	}
	return status, nil
}

// AskToRetry has the bridge that listens on this machine look at its parked rows again, soon.
func AskToRetry(ctx context.Context, listen string) error {
	response, err := request(ctx, http.MethodPost, listen, "/parked/retry")
	if err != nil {
		return err
	}
	defer response.Body.Close() //nolint:errcheck // it was only read
	if response.StatusCode/100 == 2 {
		return nil
	}
	text, _ := io.ReadAll(io.LimitReader(response.Body, 1<<10)) // may say more than the status
	return fmt.Errorf("POST %s: %s %s", response.Request.URL, response.Status, strings.TrimSpace(string(text)))
}

// patience is how long a bridge on this machine may take to answer.
const patience = 3 * time.Second

// request asks a bridge that listens on this machine. The answer's body must be closed.
func request(ctx context.Context, method, listen, path string) (*http.Response, error) {
	if listen == "" {
		return nil, errors.New("http.listen is empty, so a bridge that runs can't be asked")
	}
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return nil, fmt.Errorf("http.listen: %w", err)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost" // it listens on every address
	}
	request, err := http.NewRequestWithContext(ctx, method, "http://"+net.JoinHostPort(host, port)+path, nil)
	if err != nil {
		return nil, err
	}
	client := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}} // without the environment's proxy
	return client.Do(request)
}
