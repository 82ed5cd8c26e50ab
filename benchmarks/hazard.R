# One R tool on the loans of benchmarks/hazard.py: Rscript hazard.R TOOL FOLDER COLUMNS  prints JSON
suppressPackageStartupMessages({ library(jsonlite) })
a <- commandArgs(trailingOnly = TRUE)
tool <- a[1]; folder <- a[2]; p <- as.integer(a[3])
n <- file.info(file.path(folder, "end.bin"))$size / 4
whole <- function(name) readBin(file.path(folder, name), "integer", n, size = 4)
frame <- as.data.frame(matrix(readBin(file.path(folder, "exog.bin"), "double", n * p), ncol = p))
names(frame) <- paste0("x", 1:p); traits <- paste(names(frame), collapse = " + ")
frame$age <- whole("age.bin"); frame$end <- whole("end.bin")
if (tool == "vglm") suppressPackageStartupMessages(library(VGAM))
if (tool == "cox") suppressPackageStartupMessages(library(survival))
expand <- function() {
  long <- frame[rep(seq_len(n), frame$age), ]
  month <- sequence(frame$age)
  long$at <- cut(month, c(0, 3, 6, 9, 12, 18, 24, 30, 36, 48, 60))
  long$y <- ifelse(month == long$age, long$end, 0L)
  long
}
fit_once <- switch(tool,
  glm = function() { long <- expand(); long$bad <- as.integer(long$y == 1)
    f <- glm(as.formula(paste("bad ~ 0 + at +", traits)), binomial(), long); invisible(vcov(f))
    list(slopes = tail(coef(f), p), loglik = as.numeric(logLik(f))) },
  vglm = function() { long <- expand(); long$fy <- factor(long$y, levels = c(1, 2, 0))
    f <- suppressWarnings(vglm(as.formula(paste("fy ~ 0 + at +", traits)), multinomial(refLevel = 3), data = long))
    invisible(vcov(f)); b <- coef(f)
    list(slopes = b[paste0("x", 1:p, ":1")], loglik = as.numeric(logLik(f))) },
  cox = function() { f <- coxph(as.formula(paste("Surv(age, end == 1) ~", traits)), frame, ties = "efron")
    invisible(vcov(f)); list(slopes = coef(f), loglik = f$loglik[2]) })
used <- system.time(out <- fit_once())
peak <- as.numeric(sub("[^0-9]*([0-9]+).*", "\\1", grep("VmHWM", readLines("/proc/self/status"), value = TRUE))) / 1024
cat(toJSON(list(seconds = used[["elapsed"]], cpu = used[["user.self"]] + used[["sys.self"]], peak_mb = peak, slopes = unname(out$slopes), loglik = out$loglik),
           auto_unbox = TRUE, digits = I(17)), "\n")
