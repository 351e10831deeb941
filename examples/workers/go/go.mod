module invoice-worker

go 1.23

require github.com/hasty-jobs/hasty/sdk/go v0.0.0

replace github.com/hasty-jobs/hasty/sdk/go => ../../../sdk/go
