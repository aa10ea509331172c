package testkit

import "sync"

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
