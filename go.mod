module github.com/go-passport/passport

go 1.26.0
