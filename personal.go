package passport

// personalAccess is the grant type of a client that personal access tokens
// belong to. No request can name it: the token endpoint does not know it.
const personalAccess = "personal_access"
