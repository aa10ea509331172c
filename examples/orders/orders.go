package main

import (
	"encoding/json"
	"log/slog"
	"net/http"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/guard"
)

// Order is an order of a customer.
type Order struct {
	Number int64  `json:"number"`
	Item   string `json:"item"`
	Status string `json:"status"`
}

// listOrders serves a guarded route, so the request has a customer.
func (s *Shop) listOrders(w http.ResponseWriter, r *http.Request) {
	customer, _ := passport.UserFromContext[*Customer](r.Context())
	rows, err := s.db.QueryContext(r.Context(), "SELECT number, item, status FROM orders WHERE customer_id = ? ORDER BY number", customer.ID)
	if err != nil {
		fail(w, r, "listing orders", err)
		return
	}
	defer rows.Close()
	orders := []Order{}
	for rows.Next() {
		var o Order
		if err := rows.Scan(&o.Number, &o.Item, &o.Status); err != nil {
			fail(w, r, "listing orders", err)
			return
		}
		orders = append(orders, o)
	}
	if err := rows.Err(); err != nil {
		fail(w, r, "listing orders", err)
		return
	}
	writeJSON(w, http.StatusOK, orders)
}

// placeOrder serves a route whose guard requires another scope.
func (s *Shop) placeOrder(w http.ResponseWriter, r *http.Request) {
	customer, _ := passport.UserFromContext[*Customer](r.Context())
	var order Order
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&order); err != nil || order.Item == "" {
		writeJSON(w, http.StatusUnprocessableEntity, map[string]string{"message": "Name the item."})
		return
	}
	order.Status = "received"
	result, err := s.db.ExecContext(r.Context(), "INSERT INTO orders (customer_id, item, status) VALUES (?, ?, ?)", customer.ID, order.Item, order.Status)
	if err == nil {
		order.Number, err = result.LastInsertId()
	}
	if err != nil {
		fail(w, r, "placing an order", err)
		return
	}
	slog.InfoContext(r.Context(), "order placed", "number", order.Number, "by", guard.TokenFrom(r.Context()).Client.Name)
	writeJSON(w, http.StatusCreated, order)
}

// importStock is for machines: the request has a client and no customer.
func (s *Shop) importStock(w http.ResponseWriter, r *http.Request) {
	var stock struct {
		Item  string `json:"item"`
		Count int    `json:"count"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&stock); err != nil || stock.Item == "" || stock.Count < 0 {
		writeJSON(w, http.StatusUnprocessableEntity, map[string]string{"message": "Name the item and its count."})
		return
	}
	_, err := s.db.ExecContext(r.Context(), `INSERT INTO stock (item, count) VALUES (?, ?)
		ON CONFLICT (item) DO UPDATE SET count = excluded.count`, stock.Item, stock.Count)
	if err != nil {
		fail(w, r, "importing stock", err)
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"item": stock.Item, "count": stock.Count, "told_by": guard.TokenFrom(r.Context()).Client.Name})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(v); err != nil {
		slog.Error("write response", "err", err)
	}
}
