# Bias-reduced references from brglm2 (type AS_mean) for tests/test_ordered_bias_reduced.py:  Rscript make_bias_reduced.R
# The binary model on three links, and the sequential logit as the binary model on the rows expanded by stage.
suppressPackageStartupMessages({library(brglm2); library(jsonlite)})
args <- commandArgs(trailingOnly = FALSE)
here <- dirname(normalizePath(sub("--file=", "", args[grep("--file=", args)])))
loans <- read.csv(file.path(here, "loans.csv"))
loans$code <- pmin(as.integer(factor(loans$grade, levels = c("A", "B", "C", "D", "E"))) - 1, 3)
small <- loans[1:150, ]
small$home[1:4] <- "BOAT"                       # a level that separates: four loans of the worst class
small$code[1:4] <- 3
small$home <- factor(small$home)
small$bad <- as.integer(small$code >= 3)

control <- brglmControl(type = "AS_mean", epsilon = 1e-14, maxit = 5000, slowit = 1)
out <- list()
keep <- function(name, fit) {
  out[[name]] <<- list(params = as.list(coef(fit)), se = as.list(sqrt(diag(vcov(fit)))), converged = fit$converged)
}
right <- ~ utilisation + home
for (link in c("logit", "probit", "cloglog")) {
  keep(link, glm(update(right, bad ~ .), binomial(link), small, method = "brglm_fit", control = control))
}
keep("weights", glm(bad ~ utilisation + home, binomial, small, weights = n, method = "brglm_fit", control = control))
keep("offset", glm(bad ~ utilisation + home + offset(known), binomial, small, method = "brglm_fit", control = control))
# sequential, forward: one row a loan and stage reached, "stops" = ends in that class
stages <- do.call(rbind, lapply(0:2, function(j) {
  reached <- small[small$code >= j, ]
  reached$stage <- j
  reached$stops <- as.integer(reached$code == j)
  reached
}))
stages$stage <- factor(stages$stage)
keep("sequential", glm(stops ~ 0 + stage + utilisation + home, binomial, stages, weights = n,
                       method = "brglm_fit", control = control))
keep("sequential_free", glm(stops ~ 0 + stage + stage:utilisation + home, binomial, stages, weights = n,
                            method = "brglm_fit", control = control))
stopifnot(sapply(out, function(fit) fit$converged))
write_json(list(r = R.version.string, brglm2 = as.character(packageVersion("brglm2")), fits = out),
           file.path(here, "bias_reduced_r.json"), digits = I(17), auto_unbox = TRUE, pretty = TRUE)
