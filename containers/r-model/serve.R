# Answers as SageMaker asks of a container, with the model of the file MODEL_FILE:
# https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html
suppressPackageStartupMessages(library(plumber))

model <- readRDS(Sys.getenv("MODEL_FILE"))
inputs <- all.vars(delete.response(terms(model)))

refuse <- function(res, status, error_code, ...) {
  res$status <- status
  list(error_code = error_code, message = paste0(...))
}

# The rows of {"instances": [{…}, …]} or of a CSV text with a header.
read_rows <- function(type, text) {
  if (type == "text/csv") return(read.csv(text = text))
  as.data.frame(as.list(jsonlite::fromJSON(text))$instances)
}

invocations <- function(req, res) {
  type <- trimws(sub(";.*", "", req$HTTP_CONTENT_TYPE))
  if (!isTRUE(type %in% c("application/json", "text/csv"))) {
    return(refuse(res, 415, "UNSUPPORTED_MEDIA_TYPE", "send application/json or text/csv"))
  }
  rows <- tryCatch(read_rows(type, rawToChar(req$bodyRaw)), error = identity)
  if (inherits(rows, "error")) {
    return(refuse(res, 400, "BAD_REQUEST", "the body is not ", type, ": ", conditionMessage(rows)))
  }
  if (nrow(rows) == 0) {
    return(refuse(res, 400, "BAD_REQUEST", "no rows: send instances, or CSV with a header"))
  }
  usable <- function(column) is.numeric(column) && !anyNA(column)
  wrong <- Filter(function(name) !usable(rows[[name]]), inputs)
  if (length(wrong) > 0) {
    return(refuse(res, 400, "BAD_REQUEST", "missing or not a number: ", toString(wrong)))
  }
  # I(): a single prediction is an array too.
  list(predictions = I(unname(predict(model, rows))))
}

failed <- function(req, res, err) {
  message("serve: ", req$PATH_INFO, ": ", conditionMessage(err))
  refuse(res, 500, "INTERNAL_ERROR", "the model failed: ", conditionMessage(err))
}

# The body is read by hand, so that one that can not be read is a 400.
register_parser("unread", function() function(value, ...) value, regex = ".*")

pr() |>
  pr_set_serializer(serializer_unboxed_json(digits = NA)) |>
  pr_set_error(failed) |>
  pr_get("/ping", function() "", serializer = serializer_text()) |>
  pr_post("/invocations", invocations, parsers = "unread") |>
  pr_run(
    host = "0.0.0.0",
    # SageMaker gives another port to a container of a pipeline.
    port = as.integer(Sys.getenv("SAGEMAKER_BIND_TO_PORT", "8080")),
    docs = FALSE,
    quiet = TRUE
  )
