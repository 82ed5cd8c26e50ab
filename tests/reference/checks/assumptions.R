# Reference numbers for tests/test_assumptions.py and tests/test_effects.py, from R.
# Run as written in assumptions_data.py; writes tests/reference/checks/assumptions.json.
# Brant, Lipsitz, Fagerland-Hosmer and Pulkstenis-Robinson have no package here: they are written out
# from glm and clm fits.  The parallel-lines LR tests are ordinal's own, the freed slopes VGAM's,
# the spline basis Hmisc's.
suppressPackageStartupMessages({library(ordinal); library(VGAM); library(Hmisc); library(jsonlite)})
d <- read.csv(commandArgs(TRUE)[1], stringsAsFactors = FALSE)
d$grade <- factor(d$grade, ordered = TRUE)
d$home <- factor(d$home); d$purpose <- factor(d$purpose)
f <- grade ~ lincome + dti + utilisation + inquiries + long + home + purpose + bankrupt
fit <- clm(f, data = d)
X <- model.matrix(update(f, NULL ~ .), d)
terms <- attr(X, "assign"); p <- ncol(X) - 1; n <- nrow(X)
y <- as.integer(d$grade); J <- max(y); m <- J - 1

# Brant (1990)
binary <- lapply(1:m, function(j) glm(as.integer(y > j) ~ X - 1, family = binomial,
                                      control = glm.control(epsilon = 1e-14)))
P <- sapply(binary, fitted)
V <- matrix(0, m * p, m * p)
for (j in 1:m) for (k in 1:m) {
  lo <- min(j, k); hi <- max(j, k)
  W <- P[, hi] - P[, lo] * P[, hi]
  A <- solve(crossprod(X, X * (P[, j] * (1 - P[, j]))))
  B <- solve(crossprod(X, X * (P[, k] * (1 - P[, k]))))
  V[(j - 1) * p + 1:p, (k - 1) * p + 1:p] <- (A %*% crossprod(X, X * W) %*% B)[-1, -1]
}
b <- unlist(lapply(binary, function(g) coef(g)[-1]))
wald <- function(cols) {
  D <- matrix(0, 0, m * p)
  for (j in 2:m) for (c in cols) {
    row <- rep(0, m * p); row[c] <- -1; row[(j - 1) * p + c] <- 1; D <- rbind(D, row)
  }
  g <- D %*% b
  c(chi2 = drop(t(g) %*% solve(D %*% V %*% t(D), g)), df = nrow(D))
}
labels <- attr(terms(f), "term.labels")
brant <- t(sapply(seq_along(labels), function(t) wald(which(terms[-1] == t))))
rownames(brant) <- labels
brant <- rbind(brant, Omnibus = wald(1:p))

# likelihood-ratio tests
nominal <- nominal_test(fit)
freed <- vglm(f, family = cumulative(parallel = FALSE ~ long, reverse = TRUE), data = d,
              control = vglm.control(epsilon = 1e-13, maxit = 100))

# goodness of fit
prob <- predict(fit, newdata = d[, setdiff(names(d), "grade")], type = "prob")$fit
score <- as.vector(prob %*% (1:J))
key <- round(score, 12)
ord <- sort(unique(key)); cnt <- as.vector(table(factor(key, levels = ord)))
g10 <- pmin(floor((cumsum(cnt) - cnt / 2) / n * 10), 9)[match(key, ord)]
E <- rowsum(prob, g10); O <- table(g10, y)
fh <- sum((O - E)^2 / E)
d$group <- factor(g10)
lipsitz <- 2 * (logLik(clm(update(f, . ~ . + group), data = d)) - logLik(fit))
pattern <- interaction(d$long, d$bankrupt, d$home, drop = TRUE)
med <- ave(score, pattern, FUN = median)
cell <- interaction(pattern, score > med + 1e-12, drop = TRUE)
E2 <- rowsum(prob, cell); O2 <- unclass(table(cell, y))[rownames(E2), ]
pr <- sum((O2 - E2)^2 / E2); dev <- 2 * sum(ifelse(O2 > 0, O2 * log(O2 / E2), 0))
k <- 1 + 1 + (nlevels(d$home) - 1)

# spline against line, with given knots
knots <- c(3, 12, 20, 34)
basis <- rcspline.eval(d$dti, knots = knots, norm = 2)
d$s1 <- basis[, 1]; d$s2 <- basis[, 2]
spline <- 2 * (logLik(clm(update(f, . ~ . + s1 + s2), data = d)) - logLik(fit))

# links, generalised variance inflation (Fox and Monette)
links <- sapply(c("logit", "probit", "cloglog", "loglog"), function(l) as.numeric(logLik(clm(f, data = d, link = l))))
C <- cov2cor(vcov(fit)[-(1:m), -(1:m)])
gvif <- sapply(seq_along(labels), function(t) {
  i <- which(terms[-1] == t)
  det(C[i, i, drop = FALSE]) * det(C[-i, -i]) / det(C)
})
names(gvif) <- labels

# average marginal effects of dti and long by brute force
shift <- function(var, by) { e <- d; e[[var]] <- e[[var]] + by
  colMeans(predict(fit, newdata = e[, setdiff(names(d), c("grade", "group", "s1", "s2"))], type = "prob")$fit) }
set <- function(var, to) { e <- d; e[[var]] <- to
  colMeans(predict(fit, newdata = e[, setdiff(names(d), c("grade", "group", "s1", "s2"))], type = "prob")$fit) }
h <- 1e-3
ame_dti <- (8 * (shift("dti", h) - shift("dti", -h)) - (shift("dti", 2 * h) - shift("dti", -2 * h))) / (12 * h)
out <- list(
  made_by = list(script = "tests/reference/checks/assumptions.R", R = R.version.string,
                 ordinal = as.character(packageVersion("ordinal")), VGAM = as.character(packageVersion("VGAM")),
                 Hmisc = as.character(packageVersion("Hmisc"))),
  rows = n, loglik = as.numeric(logLik(fit)),
  brant = list(term = rownames(brant), chi2 = unname(brant[, 1]), df = unname(brant[, 2])),
  slopes = matrix(b, nrow = m, byrow = TRUE), slopes_se = matrix(sqrt(diag(V)), nrow = m, byrow = TRUE),
  nominal = list(term = rownames(nominal)[-1], lr = nominal$LRT[-1], df = nominal$Df[-1]),
  freed = list(loglik = logLik(freed), long = unname(coef(freed)[grep("^long", names(coef(freed)))])),
  fagerland_hosmer = fh, lipsitz = as.numeric(lipsitz),
  pulkstenis_robinson = list(chi2 = pr, deviance = dev, df = (nrow(E2) - 1) * m - k - 1, cells = nrow(E2)),
  spline = list(knots = knots, lr = as.numeric(spline), basis = basis[1:5, ]),
  links = as.list(links), gvif = as.list(gvif),
  ame = list(dti = unname(ame_dti), long = unname(set("long", 1) - set("long", 0)),
             home = unname(set("home", "rent") - set("home", "mortgage"))))
write_json(out, "tests/reference/checks/assumptions.json", digits = 14, auto_unbox = TRUE, pretty = TRUE)
