// Package docs holds the documentation. Its tests compare generated parts of the pages with the code.
package docs
