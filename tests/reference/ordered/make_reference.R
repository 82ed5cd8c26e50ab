# Reference fits for tests/test_ordered_reference.py:  Rscript make_reference.R
# ordinal::clm is iterated to the rounding limit; polr, lrm and vglm check it from independent code.
suppressPackageStartupMessages({
  library(ordinal); library(MASS); library(rms); library(VGAM); library(jsonlite)
})
args <- commandArgs(trailingOnly = FALSE)
here <- dirname(normalizePath(sub("--file=", "", args[grep("--file=", args)])))
loans <- read.csv(file.path(here, "loans.csv"))
loans$grade <- factor(loans$grade, levels = c("A", "B", "C", "D", "E"), ordered = TRUE)
loans$home <- factor(loans$home); loans$state <- factor(loans$state)
counts <- read.csv(file.path(here, "counts.csv"))
counts$severity <- factor(counts$severity, ordered = TRUE)
counts$term <- factor(counts$term)
counts$dti <- factor(counts$dti, levels = c("high", "low", "mid"))

tight <- clm.control(gradTol = 1e-12, maxIter = 200L, maxLineIter = 100L)
out <- list()
# clm evaluates `weights` in the caller's frame, hence do.call on an unevaluated argument list
clm_fit <- function(name, ...) {
  arguments <- c(as.list(substitute(list(...)))[-1], list(control = quote(tight)))
  fit <- suppressWarnings(eval(as.call(c(quote(clm), arguments)), list(link = get0("link", globalenv())), globalenv()))
  se <- sqrt(diag(vcov(fit)))
  out[[name]] <<- list(software = "ordinal::clm", thresholds = as.list(fit$alpha), slopes = as.list(fit$beta),
                       se = as.list(se), loglik = as.numeric(logLik(fit)), nobs = fit$nobs)
}
full <- grade ~ income + utilisation + year + home + state
clm_fit("logit", full, data = loans)
for (link in c("probit", "cloglog", "loglog")) clm_fit(link, full, data = loans, link = link)
clm_fit("weights", full, data = loans, weights = n)
clm_fit("offset", grade ~ income + utilisation + home + offset(known), data = loans)
clm_fit("nonparallel", grade ~ income + utilisation, nominal = ~ home, data = loans)
clm_fit("nonparallel_number", grade ~ home, nominal = ~ utilisation, data = loans)
clm_fit("counts", severity ~ term + dti, data = counts, weights = n)

p <- polr(severity ~ term + dti, data = counts, weights = n, Hess = TRUE,
          control = list(reltol = 1e-16, maxit = 1000))
out$counts_polr <- list(software = "MASS::polr", thresholds = as.list(p$zeta), slopes = as.list(coef(p)),
                        loglik = as.numeric(logLik(p)))
l <- lrm(grade ~ income + utilisation + year + home, data = loans, tol = 1e-16, eps = 1e-14, maxit = 100)
k <- 4
out$lrm <- list(software = "rms::lrm", thresholds = as.list(-coef(l)[1:k]), slopes = as.list(coef(l)[-(1:k)]),
                se = as.list(sqrt(diag(vcov(l)))), loglik = as.numeric(-l$deviance[2] / 2),
                nagelkerke = unname(l$stats["R2"]))
v <- vglm(grade ~ utilisation + home, cumulative(parallel = FALSE ~ home, reverse = FALSE), data = loans,
          epsilon = 1e-14, maxit = 100)
out$vglm <- list(software = "VGAM::vglm", coefficients = as.list(coef(v)), loglik = as.numeric(logLik(v)))

versions <- sapply(c("ordinal", "MASS", "rms", "VGAM"), function(x) as.character(packageVersion(x)))
write_json(list(r = R.version.string, packages = as.list(versions), fits = out),
           file.path(here, "reference.json"), digits = I(17), auto_unbox = TRUE, pretty = TRUE)
