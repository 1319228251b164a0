module bridge

go 1.26
