// Signs a user in with oauth4webapi, the strictest reader of responses. The test writes
// lines to standard input: first {issuer, id, secret, redirect, mode}, then the response
// that the browser brought: {url, form}. The program prints lines: the URL to open, then
// the results.
import { createInterface } from 'node:readline'
import * as oauth from 'oauth4webapi'

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const read = async () => JSON.parse((await lines.next()).value)
const write = value => console.log(JSON.stringify(value))

const c = await read()
const options = { [oauth.allowInsecureRequests]: true }
const issuer = new URL(c.issuer)
const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm: 'oidc', ...options }))
const client = { client_id: c.id, default_max_age: 3600, require_auth_time: true }
const auth = oauth.ClientSecretBasic(c.secret)
const verifier = oauth.generateRandomCodeVerifier()
const state = oauth.generateRandomState()
const nonce = oauth.generateRandomNonce()
const address = new URL(as.authorization_endpoint)
address.search = new URLSearchParams({
  client_id: c.id, redirect_uri: c.redirect, response_type: 'code', scope: 'openid profile email', state, nonce, max_age: '3600',
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
  ...(c.mode && { response_mode: c.mode }),
})
write(address)

const got = await read()
const parameters = oauth.validateAuthResponse(as, client, got.form === null ? new URL(got.url) : new URLSearchParams(got.form), state)
const response = await oauth.authorizationCodeGrantRequest(as, client, auth, parameters, c.redirect, verifier, options)
const tokens = await oauth.processAuthorizationCodeResponse(as, client, response, { expectedNonce: nonce, maxAge: 3600, requireIdToken: true })
await oauth.validateApplicationLevelSignature(as, response, options)
const claims = oauth.getValidatedIdTokenClaims(tokens)
const user = await oauth.processUserInfoResponse(as, client, claims.sub, await oauth.userInfoRequest(as, client, tokens.access_token, options))
const refreshed = await oauth.refreshTokenGrantRequest(as, client, auth, tokens.refresh_token, options)
const fresh = await oauth.processRefreshTokenResponse(as, client, refreshed)
write({ claims, user, fresh: oauth.getValidatedIdTokenClaims(fresh), idToken: tokens.id_token, as })
process.exit(0)
