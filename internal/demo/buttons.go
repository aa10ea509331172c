package demo

import "context"

// refresh exchanges the refresh token for a new pair of tokens.
func (a *App) refresh(ctx context.Context, s *session) error {
	c, tokens, err := a.client.refresh(ctx, s.tokens.RefreshToken)
	if err != nil {
		return err
	}
	c.Title = "A new pair of tokens"
	c.Note = "Both tokens are new, and the old refresh token is used up. If it comes again after ten seconds, the server takes that for a replay and ends every token of your consent. The new tokens are below."
	if tokens == nil {
		c.Title = "The refresh token is refused"
		c.Note = "The connection has ended. Connect again to get new tokens."
	} else {
		s.tokens = tokens
	}
	s.last = &c
	return nil
}

// orders calls a route that needs the scope check-status.
func (a *App) orders(ctx context.Context, s *session) error {
	return a.call(ctx, s, call{
		Title: "Your orders",
		Note:  "The route requires the scope `check-status`, and the token has it.",
	}, "/api/orders")
}

// service calls a route that is for machines only.
func (a *App) service(ctx context.Context, s *session) error {
	return a.call(ctx, s, call{
		Title: "A route for machines",
		Note:  "The API refuses this token, as it should: `/api/service` is for clients that act for themselves, and this token acts for you.",
	}, "/api/service")
}

func (a *App) call(ctx context.Context, s *session, told call, path string) error {
	c, err := a.client.get(ctx, path, s.tokens.AccessToken)
	if err != nil {
		return err
	}
	c.Title, c.Note = told.Title, told.Note
	if c.Status == 401 {
		c.Title, c.Note = "The access token is refused", "The API responds with 401: the connection has ended, or the token has expired. Connect again to get new tokens."
	}
	s.last = &c
	return nil
}

// steal does what an attacker with a copy of the code would do: it sends the code again.
// The server then ends every token of the code, also ours.
func (a *App) steal(ctx context.Context, s *session) error {
	c, tokens, err := a.client.redeem(ctx, s.code, s.verifier)
	if err != nil {
		return err
	}
	c.Title = "The stolen code is worth nothing"
	c.Note = "A code works once. A second use means that an attacker has a copy, so the server ended the whole connection. The tokens on this page are revoked, too: call the API to see it."
	if tokens != nil {
		c.Title, c.Note = "The code worked a second time", "That must never happen: please report it."
	} else {
		s.ended = true
	}
	s.last = &c
	return nil
}

// forget drops the tokens in the application. The consent stays at the server.
func (a *App) forget(_ context.Context, s *session) error {
	s.forget()
	return nil
}
