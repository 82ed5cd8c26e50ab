# Reference fits for tests/test_hazard_reference.py:  Rscript make_reference.R
# The table of loan-periods is made here, row by row, and fitted by glm, VGAM::vglm, nnet::multinom; curves by survival.
suppressPackageStartupMessages({ library(VGAM); library(nnet); library(survival); library(splines); library(jsonlite) })
args <- commandArgs(trailingOnly = FALSE)
here <- dirname(normalizePath(sub("--file=", "", args[grep("--file=", args)])))
loans <- read.csv(file.path(here, "loans.csv"))
loans$id <- seq_len(nrow(loans)); loans$linc <- log(loans$income)
spans <- loans$age - loans$entry
long <- loans[rep(loans$id, spans), ]
long$at <- unlist(Map(function(e, x) (e + 1):x, loans$entry, loans$age))
long$y <- ifelse(long$at == long$age, long$end, 0)
long$bad <- as.integer(long$y == 1)
long$fat <- factor(long$at); long$home <- factor(long$home); long$fterm <- factor(long$term)
basis <- bs(1:max(long$at), df = 4)
for (j in 1:4) long[[paste0("b", j)]] <- basis[long$at, j]
out <- list()
keep_glm <- function(name, fit) out[[name]] <<- list(software = "stats::glm", params = as.list(coef(fit)),
  se = as.list(sqrt(diag(vcov(fit)))), loglik = as.numeric(logLik(fit)), rows = nobs(fit))
tight <- glm.control(epsilon = 1e-15, maxit = 100)
# Fisher scoring is linear for the cloglog and glm stops on the deviance: go on from where it stopped
settle <- function(fit) { for (i in 1:25) fit <- update(fit, start = coef(fit)); fit }
keep_glm("logit", glm(bad ~ 0 + fat + dti + linc + home, binomial("logit"), long, control = tight))
keep_glm("cloglog", settle(glm(bad ~ 0 + fat + dti + linc + home, binomial("cloglog"), long, control = tight)))
keep_glm("spline", glm(bad ~ dti + home + b1 + b2 + b3 + b4, binomial("logit"), long, control = tight))
# weights of whole numbers: the same as repeated rows
keep_glm("weights", glm(bad ~ 0 + fat + dti + linc, binomial("logit"), long, weights = n, control = tight))
long$step <- cut(long$at, c(0, 3, 6, 10), labels = c("a", "b", "c"))
keep_glm("strata", glm(bad ~ 0 + step:fterm + dti, binomial("logit"), long, control = tight))
long$dti_log <- long$dti * log(long$at); long$late <- long$dti * (long$at > 5)
keep_glm("varying", glm(bad ~ 0 + fat + dti + linc + dti_log, binomial("logit"), long, control = tight))
keep_glm("varying_cloglog", settle(glm(bad ~ 0 + fat + dti + linc + late, binomial("cloglog"), long, control = tight)))

long$fy <- factor(long$y, levels = c(1, 2, 0))
v <- suppressWarnings(vglm(fy ~ 0 + fat + dti + linc + home, multinomial(refLevel = 3), data = long, epsilon = 1e-15,
                           maxit = 100, criterion = "coefficients"))
out$multinomial <- list(software = "VGAM::vglm", params = as.list(coef(v)), se = as.list(sqrt(diag(vcov(v)))),
                        loglik = as.numeric(logLik(v)), rows = nrow(long))
long$fz <- relevel(long$fy, ref = "0")
m <- multinom(fz ~ 0 + fat + dti + linc + home, data = long, trace = FALSE, abstol = 1e-16, reltol = 1e-16, maxit = 5000)
out$multinom <- list(software = "nnet::multinom", default = as.list(coef(m)["1", ]), repaid = as.list(coef(m)["2", ]),
                     loglik = as.numeric(logLik(m)))

# two causes with grouped proportional hazards have no function in R: the likelihood written out, and optim
x <- cbind(long$dti, as.numeric(long$home == "OWN"), as.numeric(long$home == "RENT"), 1, log(long$at))
minus <- function(b) {
  h1 <- exp(drop(x %*% b[1:5])); h2 <- exp(drop(x %*% b[6:10])); h <- h1 + h2
  p <- ifelse(long$y == 0, -h, log(ifelse(long$y == 1, h1, h2) / h) + log(-expm1(-h)))
  -sum(p)
}
start <- c(0, 0, 0, -3, 0, 0, 0, 0, -3, 0)
for (i in 1:5) { o <- optim(start, minus, method = "BFGS", control = list(reltol = 1e-16, maxit = 5000)); start <- o$par }
out$competing_cloglog <- list(software = "stats::optim", params = o$par, loglik = -o$value)

# product-limit and Aalen-Johansen curves with late entry, by survival
loans$state <- factor(loans$end, 0:2, c("open", "default", "repaid"))
curve <- survfit(Surv(entry, age, state) ~ 1, data = loans, id = id)
states <- summary(curve, times = 1:10)
out$curves <- list(software = "survival::survfit", survival = states$pstate[, 1], default = states$pstate[, 2],
                   repaid = states$pstate[, 3])
versions <- sapply(c("VGAM", "nnet", "survival"), function(x) as.character(packageVersion(x)))
write_json(list(r = R.version.string, packages = as.list(versions), fits = out),
           file.path(here, "reference.json"), digits = I(17), auto_unbox = TRUE, pretty = TRUE)
