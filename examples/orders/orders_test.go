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
		t.Errorf("POST /api/orders = %d %s, want 201", w.Code, w.Body)
	}
}

func TestOrdersNeedTheScope(t *testing.T) {
	shop := newShop(t)
	ada := shop.customer(t, "Ada")

	r := httptest.NewRequest("POST", "/api/orders", strings.NewReader(`{"item":"espresso machine"}`))
	w := shop.serve(passporttest.ActingAs(r, ada.User(), "check-status"))

	if w.Code != http.StatusForbidden {
		t.Errorf("POST /api/orders without the scope = %d %s, want 403", w.Code, w.Body)
	}
}

func TestStockCanBeImported(t *testing.T) {
	shop := newShop(t)
	robot := &oauth.Client{ID: "robot", Name: "Stock robot"}

	r := httptest.NewRequest("POST", "/api/stock", strings.NewReader(`{"item":"espresso machine","count":42}`))
	w := shop.serve(passporttest.ActingAsClient(r, robot, "import-stock"))

	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"told_by":"Stock robot"`) {
		t.Errorf("POST /api/stock = %d %s, want 200 and the client's name", w.Code, w.Body)
	}
}

func TestStockIsForMachines(t *testing.T) {
	shop := newShop(t)
	ada := shop.customer(t, "Ada")
	stock := func() *http.Request {
		return httptest.NewRequest("POST", "/api/stock", strings.NewReader(`{"item":"espresso machine","count":42}`))
	}
	if w := shop.serve(stock()); w.Code != http.StatusUnauthorized {
		t.Errorf("POST /api/stock without a token = %d, want 401", w.Code)
	}
	if w := shop.serve(passporttest.ActingAs(stock(), ada.User(), "import-stock")); w.Code != http.StatusForbidden {
		t.Errorf("POST /api/stock by a customer = %d, want 403", w.Code)
	}
}

// Each customer sees only their own orders.
func TestOrdersBelongToTheirCustomer(t *testing.T) {
	shop := newShop(t)
	ada, grace := shop.customer(t, "Ada"), shop.customer(t, "Grace")
	place := httptest.NewRequest("POST", "/api/orders", strings.NewReader(`{"item":"grinder"}`))
	shop.serve(passporttest.ActingAs(place, ada.User(), "place-orders"))

	for customer, want := range map[*Customer]bool{ada: true, grace: false} {
		r := httptest.NewRequest("GET", "/api/orders", nil)
		w := shop.serve(passporttest.ActingAs(r, customer.User(), "check-status"))
		if got := strings.Contains(w.Body.String(), "grinder"); w.Code != http.StatusOK || got != want {
			t.Errorf("GET /api/orders of %s = %d %s; want the grinder in it: %t", customer.Name, w.Code, w.Body, want)
		}
	}
}
