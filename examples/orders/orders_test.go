package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/passporttest"
)

func TestOrdersCanBePlaced(t *testing.T) {
	shop := newShop(t)
	ada := shop.customer(t, "Ada")

	r := httptest.NewRequest("POST", "/api/orders", strings.NewReader(`{"item":"espresso machine"}`))
	w := shop.serve(passporttest.ActingAs(r, ada.User(), "place-orders"))

	if w.Code != http.StatusCreated {
		t.Errorf("placing an order is answered %d %s, want 201", w.Code, w.Body)
	}
}

func TestOrdersNeedTheScope(t *testing.T) {
	shop := newShop(t)
	ada := shop.customer(t, "Ada")

	r := httptest.NewRequest("POST", "/api/orders", strings.NewReader(`{"item":"espresso machine"}`))
	w := shop.serve(passporttest.ActingAs(r, ada.User(), "check-status"))

	if w.Code != http.StatusForbidden {
		t.Errorf("placing an order without the scope is answered %d %s, want 403", w.Code, w.Body)
	}
}

func TestStockCanBeImported(t *testing.T) {
	shop := newShop(t)
	robot := &oauth.Client{ID: "robot", Name: "Stock robot"}

	r := httptest.NewRequest("POST", "/api/stock", strings.NewReader(`{"item":"espresso machine","count":42}`))
	w := shop.serve(passporttest.ActingAsClient(r, robot, "import-stock"))

	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"told_by":"Stock robot"`) {
		t.Errorf("importing stock is answered %d %s, want 200 and who told it", w.Code, w.Body)
	}
}

func TestStockIsForMachines(t *testing.T) {
	shop := newShop(t)
	ada := shop.customer(t, "Ada")
	stock := func() *http.Request {
		return httptest.NewRequest("POST", "/api/stock", strings.NewReader(`{"item":"espresso machine","count":42}`))
	}
	if w := shop.serve(stock()); w.Code != http.StatusUnauthorized {
		t.Errorf("importing stock without a token is answered %d, want 401", w.Code)
	}
	if w := shop.serve(passporttest.ActingAs(stock(), ada.User(), "import-stock")); w.Code != http.StatusForbidden {
		t.Errorf("a customer who imports stock is answered %d, want 403", w.Code)
	}
}

// Each customer sees his own orders.
func TestOrdersAreTheirCustomers(t *testing.T) {
	shop := newShop(t)
	ada, grace := shop.customer(t, "Ada"), shop.customer(t, "Grace")
	place := httptest.NewRequest("POST", "/api/orders", strings.NewReader(`{"item":"grinder"}`))
	shop.serve(passporttest.ActingAs(place, ada.User(), "place-orders"))

	for customer, want := range map[*Customer]bool{ada: true, grace: false} {
		r := httptest.NewRequest("GET", "/api/orders", nil)
		w := shop.serve(passporttest.ActingAs(r, customer.User(), "check-status"))
		if got := strings.Contains(w.Body.String(), "grinder"); w.Code != http.StatusOK || got != want {
			t.Errorf("%s is answered %d %s; the grinder in it: want %t", customer.Name, w.Code, w.Body, want)
		}
	}
}
