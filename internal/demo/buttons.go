package demo

import "context"

// refresh gets a new pair for the refresh token.
func (a *App) refresh(ctx context.Context, s *session) error {
	c, tokens, err := a.client.refresh(ctx, s.tokens.RefreshToken)
	if err != nil {
		return err
	}
	c.Title = "A new pair of tokens"
	c.Note = "Both tokens are new, and the old refresh token is used up: whoever presents it later than ten seconds from now is taken for a thief, and everything that came of your consent ends. The page below shows the new ones."
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
		Note:  "The route asks for the scope check-status, and the token carries it.",
	}, "/api/orders")
}

// service calls a route that is for machines only.
func (a *App) service(ctx context.Context, s *session) error {
	return a.call(ctx, s, call{
		Title: "A route for machines",
		Note:  "Refused, as it should be: /api/service is for clients that act for themselves, and this token speaks for you. Neither kind can pass for the other.",
	}, "/api/service")
}

func (a *App) call(ctx context.Context, s *session, told call, path string) error {
	c, err := a.client.get(ctx, path, s.tokens.AccessToken)
	if err != nil {
		return err
	}
	c.Title, c.Note = told.Title, told.Note
	if c.Status == 401 {
		c.Title, c.Note = "The access token is refused", "The connection has ended, or the token has run out. Connect again to get new ones."
	}
	s.last = &c
	return nil
}

// steal does what somebody would who saw the code in passing: it sends it again.
// The server then ends all that came of the code, ours too.
func (a *App) steal(ctx context.Context, s *session) error {
	c, tokens, err := a.client.redeem(ctx, s.code, s.verifier)
	if err != nil {
		return err
	}
	c.Title = "The stolen code is worth nothing"
	c.Note = "A code works once. That it came again means that somebody else has a copy, so the server ended the whole connection: the tokens on this page are dead too. Try to call the API with them."
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
