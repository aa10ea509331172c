// Signs a user in with openid-client. The test writes lines to standard input: first
// {issuer, id, secret, redirect, mode, goodbye}, then the response that the browser
// brought: {url, form}, where form is null unless the mode is form_post. The program
// prints lines: the URL to open, then the results and the URL for the sign-out.
import { createInterface } from 'node:readline'
import * as client from 'openid-client'

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const read = async () => JSON.parse((await lines.next()).value)
const write = value => console.log(JSON.stringify(value))

const c = await read()
const config = await client.discovery(new URL(c.issuer), c.id, c.secret, undefined, {
  execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks],
})
const pkceCodeVerifier = client.randomPKCECodeVerifier()
const expectedState = client.randomState()
const expectedNonce = client.randomNonce()
write(client.buildAuthorizationUrl(config, {
  redirect_uri: c.redirect,
  scope: 'openid profile email',
  code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
  code_challenge_method: 'S256',
  state: expectedState,
  nonce: expectedNonce,
  max_age: '3600',
  ...(c.mode && { response_mode: c.mode }),
}))

const got = await read()
const response = got.form === null ? new URL(got.url) : new Request(got.url, {
  method: 'POST',
  headers: { 'content-type': 'application/x-www-form-urlencoded' },
  body: got.form,
})
const tokens = await client.authorizationCodeGrant(config, response, { pkceCodeVerifier, expectedState, expectedNonce, maxAge: 3600, idTokenExpected: true })
const claims = tokens.claims()
const user = await client.fetchUserInfo(config, tokens.access_token, claims.sub)
const fresh = await client.refreshTokenGrant(config, tokens.refresh_token)
write({
  claims, user, fresh: fresh.claims(), idToken: tokens.id_token,
  goodbye: client.buildEndSessionUrl(config, { id_token_hint: tokens.id_token, post_logout_redirect_uri: c.goodbye, state: 'bye' }),
})
process.exit(0)
