package sqlstore

import "iter"

// pageSize is how many records a list reads at a time. The queries say it too.
const pageSize = 100

// pages yields what read returns, page by page; the last record of one says
// where the next begins. No rows are open while the caller has a record: with a
// pool of one its next call would hang.
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

// none yields nothing: what cannot be stored is not there.
func none[T any]() iter.Seq2[T, error] { return func(func(T, error) bool) {} }
