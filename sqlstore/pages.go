package sqlstore

import "iter"

// pageSize is the number of records that a list reads at a time. The queries repeat the
// number.
const pageSize = 100

// pages yields the records that read returns, page by page. Each page begins after the
// last record of the previous page. No rows are open while the caller handles a record:
// with a single connection, the caller's next call would deadlock.
func pages[T any](read func(after T) ([]T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none, after T
		for {
			page, err := read(after)
			if err != nil {
				yield(none, err)
				return
			}
			for _, record := range page {
				if !yield(record, nil) {
					return
				}
			}
			if len(page) < pageSize {
				return
			}
			after = page[len(page)-1]
		}
	}
}

// none yields nothing. It is the result for IDs that cannot be stored.
func none[T any]() iter.Seq2[T, error] { return func(func(T, error) bool) {} }
