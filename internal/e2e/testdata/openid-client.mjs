// Makes one call of openid-client and prints the result. The test writes the call to
// standard input: {issuer, id, secret, auth, call, token, hint}.
import { text } from 'node:stream/consumers'
import * as client from 'openid-client'

const c = JSON.parse(await text(process.stdin))
const auth = { basic: client.ClientSecretBasic, post: client.ClientSecretPost, none: client.None }[c.auth](c.secret)
let result
try {
  const config = await client.discovery(new URL(c.issuer), c.id, undefined, auth, {
    algorithm: 'oauth2',
    execute: [client.allowInsecureRequests],
  })
  const hint = c.hint ? { token_type_hint: c.hint } : undefined
  switch (c.call) {
    case 'introspect':
      result = await client.tokenIntrospection(config, c.token, hint)
      break
    case 'revoke':
      await client.tokenRevocation(config, c.token, hint)
      result = {}
      break
    default:
      throw new Error(`no such call: ${c.call}`)
  }
} catch (e) {
  result = { error: e.error ?? e.code ?? 'failure', message: String(e.message), status: e.status }
}
console.log(JSON.stringify(result))
