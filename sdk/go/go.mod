module github.com/hasty-jobs/hasty/sdk/go

go 1.23
