# Trains the model on a data set that comes with R, and keeps it in the file MODEL_FILE.
model <- lm(Petal.Width ~ Sepal.Length + Sepal.Width + Petal.Length, data = iris)
saveRDS(model, Sys.getenv("MODEL_FILE"))
