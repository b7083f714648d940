# Answers questions of statistics with scipy and gbstats (GrowthBook): a list of [name, arguments] in JSON on stdin, answers
# on stdout.

import json
import sys

from gbstats.frequentist.tests import SequentialConfig, SequentialTwoSidedTTest
from gbstats.models.statistics import ProportionStatistic
from gbstats.utils import check_srm
from numpy import quantile
from scipy import special, stats
from scipy.integrate import quad


def sequential(control, treatment, confidence, kind):
    a, b = (ProportionStatistic(n=trials, sum=successes) for successes, trials in (control, treatment))
    config = SequentialConfig(difference_type=kind, alpha=1 - confidence)
    result = SequentialTwoSidedTTest(a, b, config).compute_result()
    return [float(result.expected), *map(float, result.ci)]


def wilson(successes, trials, confidence):
    interval = stats.binomtest(successes, trials).proportion_ci(confidence, method="wilson")
    return [float(interval.low), float(interval.high)]


def best(arms):
    posteriors = [stats.beta(1 + successes, 1 + trials - successes) for successes, trials in arms]

    def probability(k):
        def density(x):
            product = posteriors[k].pdf(x)
            for j, other in enumerate(posteriors):
                if j != k:
                    product *= other.cdf(x)
            return product

        # Where the arm has its mass; the integral is over pieces, so that none of it is overlooked.
        ends = [float(posteriors[k].ppf(p)) for p in (1e-13, 1e-6, 0.01, 0.2, 0.5, 0.8, 0.99, 1 - 1e-6)]
        ends.append(float(posteriors[k].isf(1e-13)))
        return sum(quad(density, a, b, epsabs=1e-13, epsrel=1e-11, limit=200)[0] for a, b in zip(ends, ends[1:]))

    return [probability(k) for k in range(len(arms))]


QUESTIONS = {
    "beta": lambda a, b, x: float(stats.beta.pdf(x, a, b)),
    "best": best,
    "chi-square": lambda value, degrees: float(stats.chi2.sf(value, degrees)),
    "log-gamma": lambda x: float(special.gammaln(x)),
    "normal": lambda p: float(stats.norm.ppf(p)),
    "quantile": lambda values, p: float(quantile(values, p)),
    "sequential": sequential,
    "srm": lambda people, weights: float(check_srm(people, weights)),
    "wilson": wilson,
}

print(json.dumps([QUESTIONS[name](*arguments) for name, arguments in json.load(sys.stdin)]))
