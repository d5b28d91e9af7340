package feed

// A line of the file, a geofeed (RFC 8805):
//
//	5.101.96.0/21,NL,NL-NH,Amsterdam,1098 XH
var digitalocean = Feed{
	Name:  "digitalocean",
	URL:   "https://www.digitalocean.com/geo/google.csv",
	Short: "DigitalOcean: addresses customers can rent, by place",
	Parse: parser("digitalocean", readDigitalOcean),
	read:  readDigitalOcean,
}

var readDigitalOcean = listReader("digitalocean", "cloud")
