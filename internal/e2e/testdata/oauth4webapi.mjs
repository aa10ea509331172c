// Calls an API as oauth4webapi does, and verifies a token as it does. The test writes
// {issuer, api, token, scoped} to standard input: scoped is a path that the token may not
// call. It prints the API's metadata, its challenges, and the claims of the token.
import { text } from 'node:stream/consumers'
import * as oauth from 'oauth4webapi'

const c = JSON.parse(await text(process.stdin))
const options = { [oauth.allowInsecureRequests]: true }
const api = new URL(c.api)

// challenge returns the status and the parameters of the API's refusal.
async function challenge(token, path) {
  try {
    const res = await oauth.protectedResourceRequest(token, 'GET', new URL(path, api), undefined, undefined, options)
    return { status: res.status }
  } catch (e) {
    if (!(e instanceof oauth.WWWAuthenticateChallengeError)) throw e
    return { status: e.status, scheme: e.cause[0].scheme, count: e.cause.length, ...e.cause[0].parameters }
  }
}

const invalid = await challenge('unknown', c.path)
const resource = await oauth.processResourceDiscoveryResponse(api, await oauth.resourceDiscoveryRequest(api, options))
const issuer = new URL(resource.authorization_servers[0])
const server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...options }))
const request = new Request(new URL(c.path, api), { headers: { authorization: `Bearer ${c.token}` } })
console.log(JSON.stringify({
  invalid,
  scope: await challenge(c.token, c.scoped),
  admitted: await challenge(c.token, c.path),
  resource,
  claims: await oauth.validateJwtAccessToken(server, request, resource.resource, options),
}))
