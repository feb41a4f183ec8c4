module exo

go 1.26.0
