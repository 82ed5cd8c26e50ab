# Reference fits for tests/test_sequential_reference.py:  Rscript make_sequential.R
# Estimates and log-likelihoods are those of VGAM::vglm with sratio and cratio. Its standard errors are those of the
# expected information, which counts a loan at a stage with its probability of getting there; ours are those of the
# observed information, as are those of glm on the rows repeated for each stage reached, which are stored beside them.
suppressPackageStartupMessages({library(VGAM); library(jsonlite)})
args <- commandArgs(trailingOnly = FALSE)
here <- dirname(normalizePath(sub("--file=", "", args[grep("--file=", args)])))
loans <- read.csv(file.path(here, "loans.csv"))
loans$grade <- factor(loans$grade, levels = c("A", "B", "C", "D", "E"), ordered = TRUE)
loans$home <- factor(loans$home); loans$state <- factor(loans$state)
counts <- read.csv(file.path(here, "counts.csv"))
counts$severity <- factor(counts$severity, ordered = TRUE)
counts$term <- factor(counts$term)
counts$dti <- factor(counts$dti, levels = c("high", "low", "mid"))
# miners by years underground and state of the lungs: Ashford (1959), Biometrics 15, as VGAM ships it
data(pneumo)
pneumo <- do.call(rbind, lapply(c("normal", "mild", "severe"), function(k)
  data.frame(exposure = pneumo$exposure.time, grade = k, n = pneumo[[k]])))
pneumo$grade <- factor(pneumo$grade, levels = c("normal", "mild", "severe"), ordered = TRUE)
write.csv(pneumo, file.path(here, "pneumo.csv"), row.names = FALSE)
pneumo <- pneumo[pneumo$n > 0, ]
data(wine, package = "ordinal")

# vglm scores by the expected information and so converges linearly: what settles must be the coefficients
control <- vglm.control(epsilon = 1e-13, maxit = 500, criterion = "coefficients")
out <- list()
keep <- function(name, data, formula, family, weights = NULL, binomial_link = "logit", forward = TRUE, free = character(0), flip = FALSE) {
  data$.w <- if (is.null(weights)) 1 else data[[weights]]
  v <- vglm(formula, family = family, data = data, weights = .w, control = control)
  # the same model on the rows repeated for each stage reached
  y <- as.integer(model.response(model.frame(formula, data)))
  offset <- model.offset(model.frame(formula, data)); if (is.null(offset)) offset <- rep(0, nrow(data))
  m <- max(y) - 1
  X <- model.matrix(formula, data)[, -1, drop = FALSE]
  is_free <- rep(FALSE, ncol(X)); for (f in free) is_free <- is_free | startsWith(colnames(X), f)
  rows <- lapply(1:m, function(j) {
    at <- if (forward) which(y >= j) else which(y <= j + 1)
    stage <- outer(rep(1, length(at)), as.numeric(1:m == j))
    colnames(stage) <- paste0("t", 1:m)
    freed <- lapply(which(is_free), function(c) {
      own <- -X[at, c] * stage
      colnames(own) <- paste0(colnames(X)[c], ":", 1:m)
      own
    })
    list(at = at, y = as.integer(y[at] <= j), Z = do.call(cbind, c(list(-X[at, !is_free, drop = FALSE]), freed, list(stage))))
  })
  Z <- do.call(rbind, lapply(rows, `[[`, "Z")); at <- unlist(lapply(rows, `[[`, "at"))
  stopped <- unlist(lapply(rows, `[[`, "y")); w <- data$.w[at]
  # scaled columns: glm's own iterations lose digits on dollars and calendar years otherwise
  s <- apply(abs(Z), 2, max)
  # "flip": the link is that of P(Y > j) instead of P(Y <= j)
  sign <- if (flip) -1 else 1
  if (flip) stopped <- 1 - stopped
  g <- suppressWarnings(glm.fit(sign * sweep(Z, 2, s, "/"), stopped, weights = w, offset = -sign * offset[at],
                                start = rep(0, ncol(Z)),
                                family = binomial(binomial_link), control = glm.control(epsilon = 1e-15, maxit = 100)))
  class(g) <- c("glm", "lm")
  loglik <- sum(w * ifelse(stopped == 1, log(g$fitted.values), log1p(-g$fitted.values)))
  out[[name]] <<- list(coefficients = as.list(coef(v)), loglik = as.numeric(logLik(v)),
                       expanded = as.list(coef(g) / s),
                       se = as.list(setNames(sqrt(diag(summary(g)$cov.unscaled)) / s, colnames(Z))),
                       expanded_loglik = loglik)
  cat(name, format(c(logLik(v), loglik), digits = 15), "\n")
}
full <- grade ~ income + utilisation + year + home + state
keep("forward", loans, full, sratio(parallel = TRUE))
keep("backward", loans, full, sratio(parallel = TRUE, reverse = TRUE), forward = FALSE)
keep("ratio", loans, full, cratio(parallel = TRUE))
keep("ratio_backward", loans, full, cratio(parallel = TRUE, reverse = TRUE), forward = FALSE)
keep("probit", loans, full, sratio(link = "probitlink", parallel = TRUE), binomial_link = "probit")
keep("cloglog", loans, full, sratio(link = "clogloglink", parallel = TRUE), binomial_link = "cloglog")
keep("loglog_backward", loans, full, sratio(link = "clogloglink", parallel = TRUE, reverse = TRUE),
     binomial_link = "cloglog", forward = FALSE, flip = TRUE)
keep("weights", loans, full, sratio(parallel = TRUE), "n")
keep("offset", loans, grade ~ income + utilisation + home + offset(known), sratio(parallel = TRUE, reverse = TRUE),
     forward = FALSE)
keep("free", loans, grade ~ income + utilisation + home, sratio(parallel = FALSE ~ home), free = "home")
keep("free_backward", loans, grade ~ income + utilisation + home, sratio(parallel = FALSE ~ utilisation, reverse = TRUE),
     forward = FALSE, free = "utilisation")
for (way in c("forward", "backward")) {
  reverse <- way == "backward"
  keep(paste0("counts_", way), counts, severity ~ term + dti, sratio(parallel = TRUE, reverse = reverse), "n",
       forward = !reverse)
  keep(paste0("counts_free_", way), counts, severity ~ term + dti, sratio(parallel = FALSE, reverse = reverse), "n",
       forward = !reverse, free = c("term", "dti"))
  keep(paste0("pneumo_", way), pneumo, grade ~ log(exposure), sratio(parallel = TRUE, reverse = reverse), "n",
       forward = !reverse)
  keep(paste0("pneumo_free_", way), pneumo, grade ~ log(exposure), sratio(parallel = FALSE, reverse = reverse), "n",
       forward = !reverse, free = "log(exposure)")
  keep(paste0("wine_", way), wine, rating ~ temp + contact, sratio(parallel = TRUE, reverse = reverse),
       forward = !reverse)
}
write_json(list(r = R.version.string, packages = list(VGAM = as.character(packageVersion("VGAM"))), fits = out),
           file.path(here, "sequential.json"), digits = I(17), auto_unbox = TRUE, pretty = TRUE)
