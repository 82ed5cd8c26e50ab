# One R tool on one data set: Rscript one.R TOOL FOLDER COLUMNS REPEATS  prints JSON
suppressPackageStartupMessages({ library(jsonlite); library(MASS) })
a <- commandArgs(trailingOnly = TRUE)
tool <- a[1]; folder <- a[2]; p <- as.integer(a[3]); repeats <- as.integer(a[4])
size <- file.info(file.path(folder, "codes.bin"))$size / 4
codes <- readBin(file.path(folder, "codes.bin"), "integer", size, size = 4)
exog <- matrix(readBin(file.path(folder, "exog.bin"), "double", size * p), ncol = p)
frame <- as.data.frame(exog); names(frame) <- paste0("x", 1:p)
frame$y <- factor(codes, ordered = TRUE)
rm(exog); invisible(gc())
form <- as.formula(paste("y ~", paste(names(frame)[1:p], collapse = " + ")))
k <- nlevels(frame$y) - 1
if (tool == "lrm") suppressPackageStartupMessages(library(rms))
if (tool == "clm") suppressPackageStartupMessages(library(ordinal))
fit_once <- switch(tool,
  lrm = function() { f <- lrm(form, data = frame); invisible(vcov(f))
    list(slopes = coef(f)[-(1:k)], thresholds = -coef(f)[1:k], loglik = -f$deviance[2] / 2) },
  clm = function() { f <- suppressWarnings(clm(form, data = frame)); invisible(vcov(f))
    list(slopes = f$beta, thresholds = f$alpha, loglik = as.numeric(logLik(f))) },
  polr = function() { f <- polr(form, data = frame, Hess = TRUE); invisible(vcov(f))
    list(slopes = coef(f), thresholds = f$zeta, loglik = as.numeric(logLik(f))) })
seconds <- numeric(0); processor <- numeric(0)
for (i in 1:repeats) {
  took <- system.time(out <- fit_once())
  seconds <- c(seconds, took[["elapsed"]]); processor <- c(processor, took[["user.self"]] + took[["sys.self"]])
}
peak <- as.numeric(sub("[^0-9]*([0-9]+).*", "\\1", grep("VmHWM", readLines("/proc/self/status"), value = TRUE))) / 1024
pairs <- function(v) lapply(unname(v), function(x) c(x, 0))
cat(toJSON(list(seconds = seconds, processor = processor, loglik = out$loglik, peak_mb = peak, slopes = pairs(out$slopes),
                thresholds = pairs(out$thresholds)), auto_unbox = TRUE, digits = I(17)), "\n")
