package testkit

import (
	"net/http"
	"sync"
)

// Parallel calls f n times concurrently and returns the results.
func Parallel[T any](n int, f func() T) []T {
	results := make([]T, n)
	var start, done sync.WaitGroup
	start.Add(1)
	for i := range results {
		done.Go(func() {
			start.Wait()
			results[i] = f()
		})
	}
	start.Done()
	done.Wait()
	return results
}

// AtOnce serves the requests concurrently.
func (s *Server) AtOnce(b *Browser, requests []*http.Request) []*Response {
	responses := make([]*Response, len(requests))
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i, r := range requests {
		wg.Go(func() {
			<-start
			responses[i] = s.Do(r)
			responses[i].From = b
		})
	}
	close(start)
	wg.Wait()
	return responses
}
