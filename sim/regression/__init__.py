"""The regression and its report: the table of cases, their parallel and resumable run, what is shown of them."""
